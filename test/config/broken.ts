/**
 * Pages of broken configs: Markdown in which each heading of the second level is a case, with the files it needs in fenced blocks and, last,
 * what mqferry says of them. See broken/README.md.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { onTestFinished, vi } from 'vitest';
import { codeOf, Leave } from '../../src/cli/exit-codes.ts';
import { addValidate } from '../../src/cli/validate.ts';

/** Stands where secrets stand, in the pages and in the environment variable SECRET: nothing that is said may hold it. */
export const canary = 's3cr3t-canary';

interface Block {
  /** `yaml`, `sh`, `link`; `text` without a name is what mqferry says. */
  readonly language: string;
  readonly name: string | undefined;
  readonly isEscaped: boolean;
  readonly text: string;
}

export interface Case {
  readonly title: string;
  /** As written, without what mqferry says. */
  readonly source: string;
  readonly blocks: readonly Block[];
}

export interface Page {
  /** What stands before the first case. */
  readonly head: string;
  readonly cases: readonly Case[];
}

const fence = /^```(\w+)(?: ([\w./-]+?))?( escaped)?\n(.*?)^```$\n?/gms;

export function parsePage(markdown: string): Page {
  const [head = '', ...parts] = markdown.split(/^(?=## )/m);
  return { head, cases: parts.map(parseCase) };
}

function parseCase(part: string): Case {
  const source = part.replace(/^```text\n.*?^```\n\n?/ms, '');
  const blocks = [...source.matchAll(fence)].map(([, language = '', name, escaped, text = '']): Block => {
    const isEscaped = escaped !== undefined || name === 'escaped';
    return { language, name: name === 'escaped' ? undefined : name, isEscaped, text };
  });
  return { title: /^## (.*)$/m.exec(part)?.[1] ?? '', source, blocks };
}

/** The page with these outputs, one for each case. */
export function renderPage({ head, cases }: Page, outputs: readonly string[]): string {
  return head + cases.map(({ source }, i) => withOutput(source, outputs[i] ?? '')).join('');
}

/** Behind the last block; a heading of the first level may follow. */
function withOutput(source: string, output: string): string {
  const end = source.lastIndexOf('```\n') + '```\n'.length;
  const rest = source.slice(end).trim();
  return `${source.slice(0, end)}\n\`\`\`text\n${shortened(output)}\n\`\`\`\n${rest && `\n${rest}\n`}\n`;
}

function shortened(output: string): string {
  const lines = output.trimEnd().split('\n');
  if (lines.length <= 60) return lines.join('\n');
  return [...lines.slice(0, 12), `[${lines.length - 24} lines more]`, ...lines.slice(-12)].join('\n');
}

export interface Said {
  readonly code: number;
  readonly text: string;
  readonly cpuMs: number;
}

/** Writes the files of a case into a folder of its own and runs `mqferry validate` there, in this process. */
export async function runCase({ blocks }: Case): Promise<Said> {
  const folder = writeFiles(blocks);
  const { env, args } = commandLine(blocks);
  const home = process.cwd();
  process.chdir(folder);
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    const start = process.cpuUsage();
    const { code, text } = await validate(args);
    // CPU time: other suites may have the machine.
    const { user, system } = process.cpuUsage(start);
    return { code, text: text.replaceAll(folder, '$PWD'), cpuMs: (user + system) / 1000 };
  } finally {
    process.chdir(home);
    vi.unstubAllEnvs();
  }
}

/** The folder, which is gone after the test. */
export function writeFiles(blocks: readonly Block[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'mqferry-broken-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const { language, name = 'broken.yaml', isEscaped, text } of blocks) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    if (language === 'link') symlinkSync(text.trim(), path);
    else if (language !== 'sh') writeFileSync(path, isEscaped ? unescaped(text) : text);
  }
  return folder;
}

/** `NAME=value mqferry validate a.yaml`; without a block it is `mqferry validate broken.yaml`. */
export function commandLine(blocks: readonly Block[]): { env: Record<string, string>; args: readonly string[] } {
  const shell = blocks.find(({ language }) => language === 'sh');
  const line = shell?.isEscaped ? unescaped(shell.text).toString() : shell?.text;
  const words = (line ?? 'mqferry validate broken.yaml').trim().split(' ');
  const command = words.indexOf('mqferry');
  const env = words.slice(0, command).map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]);
  return { env: { SECRET: canary, ...Object.fromEntries(env) }, args: words.slice(command + 2) };
}

async function validate(args: readonly string[]): Promise<{ code: number; text: string }> {
  const program = new Command().exitOverride();
  addValidate(program);
  try {
    await program.parseAsync(['validate', ...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof Leave)) throw error;
    return { code: codeOf(error.exit), text: error.message };
  }
  return { code: 0, text: '' };
}

/** `\t`, `\r`, `\n`, `\\`, `\u202e`, one byte `\xff`, and `\{1000:text}` for a text many times. */
function unescaped(text: string): Buffer {
  const parts: (string | Buffer)[] = [];
  const pattern = /\\(?:\{(\d+):((?:\\.|[^\\}])*)\}|x([0-9a-f]{2})|u([0-9a-fA-F]{4})|(.))|[^\\]+/gs;
  for (const [whole, count, repeated = '', byte, unit, mark] of text.matchAll(pattern)) {
    if (count !== undefined) parts.push(unescaped(repeated).toString().repeat(Number(count)));
    else if (byte !== undefined) parts.push(Buffer.from(byte, 'hex'));
    else if (unit !== undefined) parts.push(String.fromCharCode(Number.parseInt(unit, 16)));
    else if (mark !== undefined) parts.push({ t: '\t', r: '\r', n: '\n' }[mark] ?? mark);
    else parts.push(whole);
  }
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}
