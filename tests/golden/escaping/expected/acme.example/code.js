const x = "\u003c/script>\u003cb>\"double\" 'single' & é 🦆 \\ back`tick`   ${x} {{y}} ]]>", y = "one\ntwo \"2\"\n";
