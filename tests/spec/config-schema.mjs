// The printed JSON Schema, judged by ajv (draft 2020-12, strict).
//   node tests/spec/config-schema.mjs SCHEMA.json [CONFIG.json ...]
// SCHEMA.json is what `tenantry schema` prints; each CONFIG.json must satisfy it.
import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));
const [schemaPath, ...configs] = process.argv.slice(2);
if (!schemaPath) {
  console.error('usage: config-schema.mjs SCHEMA.json [CONFIG.json ...]');
  process.exit(2);
}
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
const schema = read(schemaPath);
const valid = ajv.compile(schema);
let failures = 0;

function expect(ok, what, detail = '') {
  if (ok) return;
  failures++;
  console.error(`not ok: ${what}`, detail);
}

function checkExamples(node, path) {
  const { examples = [], ...rest } = node;
  const check = ajv.compile(rest);
  examples.forEach((e) => expect(check(e), `example of ${path}`, JSON.stringify(e)));
  for (const [key, child] of Object.entries(node.properties ?? {}))
    checkExamples(child, `${path}/${key}`);
  if (node.items) checkExamples(node.items, `${path}/-`);
}
checkExamples(schema, '');

const good = {
  id: 'acme',
  domains: ['acme.example'],
  branding: { name: 'Acme', logo: '' },
  meta: { title: 'Acme', description: 'All for coyotes.', ogImage: 'images/og.png' },
  theme: {
    primaryColor: '45 93% 47%', primaryForeground: '0 0% 100%', accentColor: '38 92% 50%',
  },
  routes: { guestLanding: '/lobster', authLanding: 'https://app.acme.example/' },
  features: { anything: true },
  unknown: { section: 1 },
};
expect(valid(good), 'a good configuration', valid.errors);
const faults = {
  'no id': (c) => delete c.id,
  'no colour': (c) => delete c.theme.accentColor,
  'colour without percent': (c) => (c.theme.primaryColor = '45 93 47'),
  'domain with scheme': (c) => (c.domains = ['https://acme.example']),
  'no domain': (c) => (c.domains = []),
  'flag that is no bool': (c) => (c.features.anything = 'yes'),
  'number as name': (c) => (c.branding.name = 5),
  'script as image': (c) => (c.branding.logo = 'javascript:alert(1)'),
  'unknown word': (c) => (c.aliases = 'redirects'),
  'path of another site': (c) => (c.routes.guestLanding = '//evil.example'),
};
for (const [name, spoil] of Object.entries(faults)) {
  const bad = structuredClone(good);
  spoil(bad);
  expect(!valid(bad), `refused: ${name}`);
}
for (const path of configs) expect(valid(read(path)), path, valid.errors);
process.exit(failures ? 1 : 0);
