/** The reference page of the language. */
import { functionDocs } from './environment.ts';
import { variables } from './names.ts';

const intro = `# Expressions

Expressions are [CEL](https://cel.dev), evaluated for each message. \`filter\` and \`when\` are expressions; other text may have
\`\${{ expr }}\` in it. \`$\${{\` is a literal \`\${{\`. A value that is exactly one \`\${{ expr }}\` keeps its type.

An error is never "false": a message for which an expression fails goes to the dead letter. Use \`default(x, y)\`, \`has(x.y)\` or
\`x.?y.orValue(z)\` where something may be missing. As in CEL, \`a && b\` is false when one side is false, and \`a || b\` true when one
side is true, even if the other side fails.

Where it differs from CEL:

* All numbers are doubles: \`7 / 2\` is 3.5. Whole numbers beyond 2^53 in bodies and headers are kept exactly; they can be compared and
  written, not calculated with.
* Patterns are RE2. Times are UTC. \`lowerAscii\` and \`upperAscii\` leave everything but a-z alone. \`string(x)\` refuses what has no text.
* \`map\`, \`filter\`, \`all\`, \`exists\` may be inside each other twice. One evaluation may take 1 million steps and make 64 million
  characters; an expression may have 1000 parts.
`;

/** Markdown: names, functions, and where it differs from CEL. */
export function expressionReference(): string {
  const names = Object.entries(variables).map(([name, [, doc]]) => `| \`${name}\` | ${doc} |`);
  const functions = functionDocs.map(([signature, doc]) => `| \`${readableSignature(signature)}\` | ${doc.replaceAll('|', '\\|')} |`);
  return [
    intro,
    '## Names\n\nA property that the message does not have is null.\n',
    '| name | what it is |\n|---|---|',
    ...names,
    "\n## Functions\n\nBeside CEL's own (`has`, `all`, `exists`, `exists_one`, `map`, `filter`, `cel.bind`, `contains`, `startsWith`,",
    '`endsWith`, `trim`, `bool`, `double`, `bytes`, `x.?y`, `orValue`, `getFullYear` ...):\n',
    '| function | what it does |\n|---|---|',
    ...functions,
    '',
  ].join('\n');
}

function readableSignature(signature: string): string {
  return signature
    .replaceAll('google.protobuf.Timestamp', 'time')
    .replaceAll('google.protobuf.Duration', 'duration')
    .replaceAll('double', 'number')
    .replaceAll('dyn', 'any');
}
