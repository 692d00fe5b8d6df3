import type { Problem } from './model.ts';

export const problemFormats = ['text', 'json', 'github'] as const;
export type ProblemFormat = (typeof problemFormats)[number];

/** All problems in one text: for people with code frames, for machines as JSON, for the annotations of GitHub's CI. */
export function renderProblems(problems: readonly Problem[], format: ProblemFormat = 'text'): string {
  if (format === 'json') return JSON.stringify({ problems }, null, 2);
  if (format === 'github') return problems.map(annotation).join('\n');
  return problems.map((problem) => (problem.frame ? `${problemLine(problem)}\n${problem.frame}\n` : problemLine(problem))).join('\n');
}

/** `file:line:col rule: sentence — did you mean "brokers"?` */
export function problemLine({ file, line, col, rule, message, hint, severity }: Problem): string {
  const mark = severity === 'warning' ? `warning ${rule}` : rule;
  return `${file}:${line}:${col} ${mark}: ${message}${hint ? ` — ${hint}` : ''}`;
}

function annotation({ file, line, col, rule, message, hint, severity }: Problem): string {
  const text = hint ? `${message} — ${hint}` : message;
  return `::${severity} file=${property(file)},line=${line},col=${col},title=${property(rule)}::${data(text)}`;
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
