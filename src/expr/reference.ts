/** The reference page of the language. */
import { functionDocs } from './environment.ts';
import type { Described } from './functions/registry.ts';
import { variables } from './names.ts';

const intro = `# Expressions

Expressions are [CEL](https://cel.dev), evaluated for each message. \`filter\` and \`when\` are expressions; other text may have
\`\${{ expr }}\` in it. \`$\${{\` is a literal \`\${{\`. A value that is exactly one \`\${{ expr }}\` keeps its type.

What can never fit is an error of the config, at its line and column: a \`filter\` that is text, a list as \`key\`, a map in the middle of a text.
What a message brings (\`body.a\` may be anything) is judged when it is there.

An error is never "false": a message for which an expression fails goes to the dead letter. Use \`default(x, y)\`, \`has(x.y)\` or
\`x.?y.orValue(z)\` where something may be missing. As in CEL, \`a && b\` is false when one side is false, and \`a || b\` true when one
side is true, even if the other side fails.

\`mqferry eval 'body.total > 100' --json '{"total": 120}'\` says what an expression is for a sample message, or where it is wrong.

## Numbers

* There is one kind of number, that of JSON: a double. \`1\`, \`1.0\` and \`body.n\` are the same kind; \`7 / 2\` is 3.5, \`5 % 2\` is 1, and
  \`body.n + 1\`, \`body.n < 5\` and \`body.n == 5\` work whether the message says \`5\` or \`5.0\`. Use \`math.trunc(a / b)\` to divide without a rest.
* Whole numbers beyond 2^53 in bodies and headers, which a double would round, are kept exactly. They can be compared, with any number,
  made text and written; calculating with one is an error, but \`double(x)\` rounds it. \`int("9007199254740993")\` is exact, too.
* Dividing by zero is an error. A number too large for a double becomes Infinity, which nothing can write: then that is the error.
* Text is never taken for a number: \`header.retries < 5\` is an error when the header is text; \`int(header.retries) < 5\` is not.
  \`int\` takes whole numbers only, \`number\` what JSON has. \`string(x)\` writes the shortest text that reads back as the same number.

## Misspelled names

\`body.totl\` is an error for each message that comes, unless the route says what its bodies are like: with \`bodySchema: ./order.schema.json\`, a
JSON Schema, it is one when the config is loaded, with line, column and the name that was meant. Names are followed through \`set\`, \`remove\`, \`rename\`,
\`enrich\`, loops and \`first(…)\`, up to a step that may make any other body (\`map\`, \`split\`, \`encode\`, \`js\` …); behind it nothing is known, and nothing is
refused. Where the schema is closed (\`additionalProperties: false\`) a name that it does not have is an error; where it is open only one that looks like
a slip of another, and \`body["totl"]\` says that it is none. What it says of types counts only where a name is asked of what is no map. \`$ref\` is
followed within the file. Messages are not checked against it: that is [\`validate\`](steps.md#validate).

## Limits

They hold for whoever writes the expression and for whoever sends the message.

* When it is loaded: an expression may have 10,000 characters and 1000 parts, 60 deep, and lists and maps of 500; loops may be inside each
  other twice. A pattern may have 1000 characters; one that comes with a message 100.
* When it is evaluated: 100,000 steps and 16 MiB of text for one expression and one message (\`expressions: { maxSteps, maxText }\` of a route).
  A step is an element that a loop visits, or as much work inside a function: about a quarter of a microsecond. They are counted, not
  timed, so that the same message always ends the same way: one that needs more has failed, and no \`||\`, \`exists\` or \`default\` makes it
  pass.
* JSON more than 200 deep is an error. Patterns are RE2: their time grows with text and pattern, and never faster.

\`lowerAscii\` and \`upperAscii\` leave everything but a-z alone, \`string(x)\` refuses what has no text, times are exact to the millisecond. Where it
differs from CEL otherwise, and how much of the specification's own tests hold: [against the CEL specification](cel.md).
`;

/** Markdown: names, functions, and where it differs from CEL. */
export function expressionReference(): string {
  const names = Object.entries(variables).map(([name, [, doc]]) => `| \`${name}\` | ${doc} |`);
  return [
    intro,
    '## Names\n\nA property that the message does not have is null.\n',
    '| name | what it is |\n|---|---|',
    ...names,
    '\n## Functions\n\nEach example is true.',
    ...functionDocs.flatMap(([title, functions]) => [`\n### ${title}\n`, ...table(functions)]),
    '',
  ].join('\n');
}

function table(functions: readonly Described[]): string[] {
  const rows = mergedOverloads(functions).map(
    ([signature, doc, example]) => `| ${code(readableSignature(signature))} | ${cell(doc)} | ${code(example)} |`,
  );
  return ['| function | what it does | example |\n|---|---|---|', ...rows];
}

/** One row for several counts of arguments that do the same. */
function mergedOverloads(functions: readonly Described[]): Described[] {
  const seen = new Set<string>();
  return functions.filter(([, doc, example]) => {
    const key = `${doc} ${example}`;
    return !seen.has(key) && seen.add(key);
  });
}

function code(text: string): string {
  return `\`${cell(text)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function readableSignature(signature: string): string {
  return signature
    .replaceAll('google.protobuf.Timestamp', 'time')
    .replaceAll('google.protobuf.Duration', 'duration')
    .replace(/\bdouble\b(?!\()/g, 'number')
    .replace(/\bdyn\b(?!\()/g, 'any');
}
