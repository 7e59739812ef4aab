const x = "\u003c/script>\u003cb>\"double\" 'single' & é 🦆 \\ back`tick` \u2028 ${x} {{y}} ]]>", y = "one\ntwo \"2\"\n";
