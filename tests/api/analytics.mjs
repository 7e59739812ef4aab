// analytics.mjs SCRIPT ADDRESS REFERRER: what the theme's script tells Google of a page, as JSON.
import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";

const [script, address, referrer] = process.argv.slice(2);
const page = { URL, location: new URL(address), document: { referrer, currentScript: { dataset: { id: "G-1" } } } };
page.window = page;
runInNewContext(readFileSync(script, "utf8"), page);
console.log(JSON.stringify(page.dataLayer.map((told) => [...told])));
