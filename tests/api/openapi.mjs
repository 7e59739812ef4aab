// openapi.mjs FILE: {"document": ..., "answers": [{method, path, status, type, body, says}]}.
// The document against the schema of OpenAPI 3.1, each answer against what the document promises.  One line for each mistake.
import fs from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv/dist/2020.js";
import formats from "ajv-formats";

const { document, answers } = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const wrong = [];
const judged = await new Validator().validate(structuredClone(document));
if (!judged.valid) wrong.push(`the document: ${JSON.stringify(judged.errors).slice(0, 800)}`);

const ajv = new Ajv({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema({ $id: "document", ...document });
const schema = (path) => ajv.getSchema("document#" + path.map((p) => "/" + encodeURIComponent(p.replace(/~/g, "~0").replace(/\//g, "~1"))).join(""));

for (const a of answers) {
  const where = ["paths", a.path, a.method.toLowerCase(), "responses"];
  const responses = document.paths[a.path]?.[a.method.toLowerCase()]?.responses;
  const key = responses && (responses[a.status] ? String(a.status) : "default");
  const promised = responses?.[key];
  if (!promised) { wrong.push(`${a.says}: ${a.status} is not in the document`); continue; }
  if (key === "default" && a.status < 400) { wrong.push(`${a.says}: ${a.status} is not promised`); continue; }
  if (!promised.content) { if (a.body) wrong.push(`${a.says}: ${a.status} has a body`); continue; }
  const type = (a.type ?? "").split(";")[0];
  if (!promised.content[type]) { wrong.push(`${a.says}: ${a.status} of type ${type}, not ${Object.keys(promised.content)}`); continue; }
  const check = schema([...where, key, "content", type, "schema"]);
  let value = a.body;
  if (type.endsWith("json")) try { value = JSON.parse(a.body); } catch { wrong.push(`${a.says}: not JSON: ${a.body.slice(0, 80)}`); continue; }
  if (!check(value)) wrong.push(`${a.says}: ${ajv.errorsText(check.errors, { separator: "; " }).slice(0, 600)}`);
}
for (const line of wrong) console.log(line);
process.exit(wrong.length ? 1 : 0);
