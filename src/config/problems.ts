import { codeFrame } from './frame.ts';
import type { Problem } from './model.ts';
import { scrub } from './redact.ts';
import type { SourceFile } from './source-file.ts';
import { cut, visible } from './visible.ts';

/** Something in a file that a problem can point at. */
export interface Spot {
  readonly file: SourceFile;
  readonly start: number;
}

interface Found extends Spot {
  readonly rule: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly severity: Problem['severity'];
}

/** More than anybody reads; what is beyond it is counted. */
const mostShown = 200;
const longest = 600;

/** Collects every problem, and at the end says them in order, none twice, and without a secret. */
export class Problems {
  /** Values that no sentence may hold, whoever wrote it. */
  readonly secrets = new Set<string>();
  readonly #found: Found[] = [];
  readonly #elsewhere: Problem[] = [];
  #errors = 0;

  get errors(): number {
    return this.#errors;
  }

  error(at: Spot, rule: string, message: string, hint?: string): void {
    this.#errors += 1;
    if (this.#found.length < 10_000) this.#found.push({ file: at.file, start: at.start, rule, message, hint, severity: 'error' });
  }

  warning(at: Spot, rule: string, message: string, hint?: string): void {
    this.#found.push({ file: at.file, start: at.start, rule, message, hint, severity: 'warning' });
  }

  /** A problem with a file as a whole, e.g. one that is not there. */
  fileError(file: string, rule: string, message: string, hint?: string): void {
    this.#errors += 1;
    this.#elsewhere.push({ file, line: 1, col: 1, rule, message, ...(hint && { hint }), severity: 'error' });
  }

  list(): Problem[] {
    const all = [...this.#elsewhere];
    const seen = new Set<string>();
    for (const found of this.#sorted()) {
      const key = `${found.file.name}:${found.start}:${found.rule}:${found.message}`;
      if (seen.has(key)) continue;
      seen.add(key);
      if (all.length < mostShown) all.push(this.#told(found));
    }
    const more = seen.size + this.#elsewhere.length - all.length;
    if (more > 0) {
      const { file, line, col } = all.at(-1)!;
      all.push({ file, line, col, rule: 'more', message: `and ${more} more problems`, severity: 'error' });
    }
    return all;
  }

  /** A problem that was found after the list was made, told in the same way. */
  told(at: Spot, rule: string, message: string, hint?: string): Problem {
    return this.#told({ file: at.file, start: at.start, rule, message, hint, severity: 'error' });
  }

  #told({ file, start, rule, message, hint, severity }: Found): Problem {
    const clean = (text: string): string => cut(visible(scrub(text, this.secrets)), longest);
    const said = { message: clean(message), ...(hint && { hint: clean(hint) }) };
    return { ...file.place(start), rule, ...said, severity, frame: scrub(codeFrame(file, start), this.secrets) };
  }

  #sorted(): Found[] {
    return this.#found.sort((a, b) => (a.file.name < b.file.name ? -1 : a.file.name > b.file.name ? 1 : a.start - b.start));
  }
}
