/** docs/faults.md and docs/security.md, out of the catalogue. */
import * as faults from './faults.ts';
import type { Row } from './row.ts';
import { security } from './security.ts';

const sections: readonly (readonly [string, readonly Row[]])[] = [
  ['The process', faults.process],
  ['The network', faults.network],
  ['Brokers that are read', faults.sources],
  ['Brokers that are written', faults.sinks],
  ['The disk', faults.disk],
  ['Messages on their way', faults.pipeline],
  ['Time and size', faults.timeAndSize],
];

export const rows: readonly Row[] = [...sections.flatMap(([, own]) => own), ...security];

export function faultsPage(): string {
  return `# Faults

What can go wrong, what mqferry does about it, and where it was seen. Each row names tests below \`test/\`; a test of the project fails when one of
them is gone. *laboratory*: the fault comes over every pair of RabbitMQ, Kafka, mosquitto and ActiveMQ, with and without the disk buffer, with an outside
ledger of what the source broker confirmed (\`npm run faults -- --help\`; the last whole run is in [proof.md](proof.md)). *simulation*: the engine or the buffer in virtual time
and on a simulated disk, thousands of seeds. What wrong versions of mqferry the tests notice is in [mutants.md](mutants.md).

${sections.map(([title, own]) => `## ${title}\n\n${table(own)}`).join('\n\n')}
`;
}

export function securityPage(): string {
  return `# Attacks

What somebody may try who sends messages, owns a broker, or reaches a port; what mqferry does about it, and which tests have seen it. What is
trusted, and how to tell us of a hole, is in [SECURITY.md](../SECURITY.md).

${table(security)}
`;
}

function table(own: readonly Row[]): string {
  const lines = own.map(({ id, what, does, tests, lab, weaker }) => {
    const seen = tests.map(([file, title]) => `\`${file}\`: ${cell(title)}`);
    if (lab) seen.push(`laboratory: ${lab.join(', ')}`);
    return `| ${id} | ${cell(what)} | ${cell(does)}${weaker ? `. **Weaker:** ${cell(weaker)}` : ''} | ${seen.join('<br>')} |`;
  });
  return ['| # | what | what mqferry does | seen by |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

function cell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replace(/ %[a-z]$|: ?$/, '');
}
