/** The reference page and the editor schema of test files, from the declared fields. */
import { fieldTable, generated } from '../config/docs.ts';
import { type Schema, schemaOf } from '../config/schema.ts';
import { caseFields, expectedFields, expectFields, faultFields, fileFields, givenFields, letterFields } from './fields.ts';

export function testSchema(): Schema {
  return schemaOf('mqferry test file', fileFields);
}

export function testReference(): string {
  const { expect: _, ...own } = caseFields;
  const more = Object.fromEntries(Object.entries(letterFields).filter(([name]) => !(name in expectedFields)));
  return [
    '# Test files\n',
    generated,
    'What a `*.test.yaml` may say. How to write one: [testing](../testing.md).\n',
    fieldTable(fileFields),
    '## A test\n',
    'An item of `tests`. Beside `expect`:\n',
    fieldTable(own),
    '## A message given\n',
    'An item of `given`. One of `json`, `text`, `base64` and `tombstone`; with none of them the body is empty.\n',
    fieldTable(givenFields),
    '## A fault\n',
    'An item of the list below the name of a sink in `faults`.\n',
    fieldTable(faultFields),
    '## What is expected\n',
    '`expect`. One of `sinks`, `deadLetters`, `filtered`, `dropped`, `outcome` and `reason` must be there.\n',
    fieldTable(expectFields),
    '## A message expected\n',
    'An item of the list below the name of a sink. Only what is written is looked at, unless `exact` is; what is written of a body is all of it, but for `contains`.\n',
    fieldTable(expectedFields),
    '## A dead letter expected\n',
    'An item of `deadLetters`: as a message expected, and:\n',
    fieldTable(more),
  ].join('\n');
}
