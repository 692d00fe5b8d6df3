/** `docs/reference/cel.md`. */
import { deviations, isMeant, isOutside, outside } from './deviations.ts';
import { difference, type SpecTest, specTests } from './suite.ts';

/** Of a reason with many tests, these are enough to see what is meant. */
const mostExamples = 3;

export function celPage(): string {
  const tests = specTests();
  return [
    intro,
    ...counts(tests),
    '',
    '## Where it differs',
    '',
    ...deviations.flatMap((one) => deviation(one, tests)),
    ...left(tests),
    '',
  ].join('\n');
}

const intro = `# Against the CEL specification

The [expressions](expressions.md) run the specification's own tests (v0.25.1): \`test/expr/cel-spec.test.ts\` fails when one of them ends otherwise than
this page says. It is written by that test (\`npx vitest run test/expr/cel-spec.test.ts -u\`). A number is compared as a number, whether the
specification has it as int, uint or double.

| tests of | as specified | otherwise | outside |
|---|--:|--:|--:|`;

function counts(tests: readonly SpecTest[]): string[] {
  const files = [...new Set(tests.map(({ file }) => file))];
  const rows = files.map((file) => [file, ...countsOf(tests.filter((one) => one.file === file))] as const);
  const all = ['all', ...countsOf(tests)] as const;
  return [...rows, all].map(([name, same, other, out]) => `| ${name} | ${same} | ${other} | ${out} |`);
}

function countsOf(tests: readonly SpecTest[]): readonly [same: number, other: number, outside: number] {
  const inside = tests.filter((one) => !isOutside(one));
  const other = inside.filter(({ test }) => difference(test) !== undefined).length;
  return [inside.length - other, other, tests.length - inside.length];
}

function deviation([reason, patterns]: (typeof deviations)[number], tests: readonly SpecTest[]): string[] {
  const meant = tests.filter((one) => !isOutside(one) && patterns.some((pattern) => isMeant(one.name, pattern)));
  const examples = meant.filter(({ test }) => difference(test) !== undefined).slice(0, mostExamples);
  return [`* ${reason} E.g. ${examples.map(({ test }) => code(test.expr)).join(', ')}.`];
}

function left(tests: readonly SpecTest[]): string[] {
  const lines = outside.map(([reason, covers]) => `* ${tests.filter(covers).length} tests of ${reason}.`);
  return ['', '## What is outside', '', ...lines];
}

/** As a code span, on one line. */
function code(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  const short = line.length > 70 ? `${line.slice(0, 67)}...` : line;
  return short.includes('`') ? `\`\` ${short} \`\`` : `\`${short}\``;
}
