/** What the process says with its exit code. A test compares the table in docs/operations.md with it. */
export const exitCodes = {
  ok: [0, 'done, or drained on a signal'],
  failed: [
    1,
    'failed; all routes stopped; the drain deadline was hit; or --until-idle found dead letters, drops or books that do not balance',
  ],
  usage: [2, 'wrong use of the command line'],
  checkFailed: [3, '`check` found something wrong'],
  linkDown: [69, 'a link was down for --connect-timeout'],
  locked: [75, 'the data directory is in use by another mqferry'],
  config: [78, 'the config is wrong, or this Node is too old'],
  interrupted: [130, 'a second SIGINT'],
  terminated: [143, 'a second SIGTERM'],
} as const satisfies Record<string, readonly [number, string]>;

export type Exit = keyof typeof exitCodes;

export function codeOf(exit: Exit): number {
  return exitCodes[exit][0];
}

/** Ends a command with this exit code; the text goes to stderr, when there is one. Thrown by verbs, handled in program.ts alone. */
export class Leave extends Error {
  readonly exit: Exit;
  constructor(exit: Exit, message = '') {
    super(message);
    this.exit = exit;
  }
}
