import { Leave } from './exit-codes.ts';

let isHeard = false;

/**
 * Writes to standard output. Resolves once its reader has taken the text, as the exit of the process cuts off what a pipe still waits for.
 * Leaves without a word when the reader has seen enough (`| head`).
 */
export async function say(text: string): Promise<void> {
  const output = process.stdout;
  // A closed pipe is also an event, which would end the process with a stack if nobody heard it.
  if (!isHeard) output.on('error', () => undefined);
  isHeard = true;
  const error = await new Promise<Error | null | undefined>((resolve) => output.write(text, resolve));
  if (error) throw new Leave('failed');
}
