/** The results as people, programs and CI servers read them. */
import type { Part } from './coverage.ts';
import type { Failure } from './judge.ts';
import type { Report, Result } from './run.ts';

/** More of one test helps nobody. */
const mostFailures = 20;

export function textReport({ results, coverage }: Report): string {
  const lines: string[] = [];
  for (const [file, ofFile] of Map.groupBy(results, (result) => result.file)) {
    lines.push(file);
    for (const result of ofFile) lines.push(...resultLines(result));
  }
  lines.push('', ...coverageLines(coverage.parts, coverage.percent), '', summaryLine(results));
  return lines.join('\n');
}

export function jsonReport({ results, coverage }: Report): string {
  const parts = coverage.parts.map(({ kind, label, route, at, hits }) => ({
    kind,
    label,
    route,
    file: at.file,
    line: at.line,
    messages: hits,
  }));
  return JSON.stringify({ tests: results, coverage: { percent: rounded(coverage.percent), parts } }, null, 2);
}

export function junitReport({ results }: Report): string {
  const suites = [...Map.groupBy(results, (result) => result.file)].map(([file, ofFile]) => suite(file, ofFile));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts(results)}>\n${suites.join('\n')}\n</testsuites>\n`;
}

/** `71`, and never 100 when something is missing. */
export function rounded(percent: number): number {
  return Math.floor(percent);
}

function resultLines({ file, line, name, failures }: Result): string[] {
  if (failures.length === 0) return [`  ok    ${name}`];
  return [`  FAIL  ${name}`, `        ${file}:${line}`, ...failureLines(failures).map((text) => `        ${text}`)];
}

function failureLines(failures: readonly Failure[]): string[] {
  const lines = failures
    .slice(0, mostFailures)
    .flatMap(({ where, differences, message = [] }) => [
      `${where}:`,
      ...differences.flatMap(({ what, expected, found }) => [`  ${what}`, `    expected  ${expected}`, `    found     ${found}`]),
      ...message.map((text) => `    | ${text}`),
    ]);
  return failures.length > mostFailures ? [...lines, `and ${failures.length - mostFailures} more`] : lines;
}

function coverageLines(parts: readonly Part[], percent: number): string[] {
  const missed = parts.filter(({ hits }) => hits === 0);
  const head = `coverage: messages came to ${parts.length - missed.length} of ${parts.length} steps, branches and ends (${rounded(percent)} %)`;
  return [head, ...missed.map(({ label, route, at }) => `  never: ${at.file}:${at.line} ${label} of route ${route}`)];
}

function summaryLine(results: readonly Result[]): string {
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  return `${results.length} ${results.length === 1 ? 'test' : 'tests'}: ${results.length - failed} passed, ${failed} failed`;
}

function suite(file: string, results: readonly Result[]): string {
  const cases = results.map(({ name, failures, ms, line }) => {
    const start = `    <testcase classname="${xml(file)}" name="${xml(name)}" file="${xml(file)}" line="${line}" time="${seconds(ms)}"`;
    if (failures.length === 0) return `${start}/>`;
    const message = failures[0]?.where ?? '';
    return `${start}>\n      <failure message="${xml(message)}">${xml(failureLines(failures).join('\n'))}</failure>\n    </testcase>`;
  });
  return `  <testsuite name="${xml(file)}" ${counts(results)}>\n${cases.join('\n')}\n  </testsuite>`;
}

function counts(results: readonly Result[]): string {
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  return `tests="${results.length}" failures="${failed}" errors="0" time="${seconds(results.reduce((sum, { ms }) => sum + ms, 0))}"`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** Text in XML 1.0, which has no place for most control characters, nor for half a surrogate pair. */
function xml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\uffff]|[\ufffe\uffff]/g, '\ufffd')
    .replace(/[<>&"]/g, (character) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' })[character] as string);
}
