import type { Ajv as AjvClass, ErrorObject, ValidateFunction } from 'ajv';
import { anything, file, group } from '../config/fields.ts';
import { BadSetting, MqferryError } from '../errors.ts';
import { compilePattern } from '../expr/index.ts';
import { assertDepth, readJson } from './json.ts';
import { areUnique } from './json-unique.ts';
import { load, readJsonSchema } from './lazily.ts';
import { defineStep, eachMessage } from './step.ts';

export const validate = defineStep({
  name: 'validate',
  summary: 'Checks the JSON body against a JSON Schema; what does not hold fails with `INVALID` and the rule.',
  notes: `Draft-07, or the draft that \`$schema\` names (2019-09, 2020-12). \`pattern\` is RE2 (no look-around, no back-references), so that no message
makes it slow; \`format\` knows date, time, date-time, duration, email, hostname, ipv4, ipv6, uri, uri-reference, uuid, json-pointer, int32
and int64. \`$ref\` reaches only into the schema itself: nothing is fetched. The first rule that does not hold is the one that is told. A
tombstone has no body and passes.`,
  value: group('The schema, in one of two places.', {
    schema: anything('The schema itself.', { optional: true }),
    file: file('A JSON file with the schema.', { optional: true, example: './order.schema.json' }),
  }),
  example: {
    steps: '- validate:\n    schema: { type: object, required: [id], properties: { id: { type: integer } } }',
    before: 'body: {"id":"seven"}',
    after: 'INVALID',
  },
  touches: 'nothing',
  explain: ({ file }) => `fails messages whose body does not fit the schema${file === undefined ? '' : ` in ${file}`}`,
  compile(value) {
    const schema = schemaOf(value);
    const check = compileSchema(schema);
    const text = JSON.stringify(schema);
    return eachMessage('validate', (message) => {
      if (message.body === null) return message;
      const body = readJson(message, 'INVALID');
      assertDepth(body, 0);
      if (check(body)) return message;
      throw new MqferryError('INVALID', sentence(check.errors?.[0] as ErrorObject, text));
    });
  },
});

function schemaOf({ schema, file }: { readonly schema: unknown; readonly file: string | undefined }): unknown {
  if (schema !== undefined && file !== undefined) throw new BadSetting('file', '`schema` and `file` exclude each other: keep one of them');
  if (schema === undefined && file === undefined) throw new MqferryError('CONFIG_INVALID', 'validate needs one of `schema` and `file`');
  return file === undefined ? schema : readJsonSchema(file);
}

const drafts: Readonly<Record<string, string>> = { '2019-09': 'ajv/dist/2019.js', '2020-12': 'ajv/dist/2020.js' };

/** Each in the mode in which no text makes it slow. */
const fullFormats = ['date', 'time', 'date-time', 'duration', 'hostname', 'ipv4', 'ipv6', 'uuid', 'json-pointer', 'int32', 'int64'];
const fastFormats = ['email', 'uri', 'uri-reference'];

function compileSchema(schema: unknown): ValidateFunction {
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema)))
    throw new BadSetting('schema', 'a schema is a map; that of a file is named by `file: …`');
  const named = typeof schema === 'object' ? String((schema as Record<string, unknown>)['$schema'] ?? '') : '';
  const draft = Object.keys(drafts).find((name) => named.includes(name));
  const Ajv = load(draft === undefined ? 'ajv' : (drafts[draft] as string)).default as typeof AjvClass;
  const ajv = new Ajv({
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    ownProperties: true, // `constructor` is there only when the message has it
    logger: false,
    code: { regExp: Object.assign((pattern: string) => compilePattern(pattern), { code: 'pattern' }) },
  });
  const { default: addFormats } = load('ajv-formats') as typeof import('ajv-formats');
  addFormats(ajv, { formats: fullFormats as never });
  addFormats(ajv, { mode: 'fast', formats: fastFormats as never });
  // The library's own compares each element with each.
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    error: { message: 'must not hold an element twice' },
    validate: areUnique,
  });
  try {
    return ajv.compile(schema as object);
  } catch (error) {
    throw new MqferryError('CONFIG_INVALID', `the schema cannot be used: ${inOurWords((error as Error).message)}`, { cause: error });
  }
}

function inOurWords(message: string): string {
  const [, reference] = /^can't resolve reference (.*) from id /.exec(message) ?? [];
  if (reference !== undefined) return `it holds nothing that is called ${reference}, and a $ref cannot leave it`;
  const [, path = '', fault] = /^schema is invalid: data(\S*) ([^,]*)/.exec(message) ?? [];
  if (fault !== undefined) return `${path.slice(1).replaceAll('/', '.') || 'it'} ${fault}`;
  return message.replace(/^strict mode: /, '').replace(/^unknown keyword: /, 'unknown keyword ');
}

/** Names of the body are told only when the schema has them: the rest is the sender's. */
function sentence({ instancePath, message, schemaPath }: ErrorObject, schema: string): string {
  const isKnown = (name: string) =>
    /^\d{1,9}$/.test(name) || schema.includes(JSON.stringify(name.replaceAll('~1', '/').replaceAll('~0', '~')));
  const place = instancePath
    .split('/')
    .slice(1, 9)
    .map((name) => (isKnown(name) ? name : '*'))
    .join('.'); // deeper is not shown
  return `${place === '' ? 'the body' : `body.${place}`} ${message} (${schemaPath})`.slice(0, 300);
}
