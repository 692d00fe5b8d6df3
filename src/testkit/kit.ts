/** The test runner, passed in. */
export interface Kit {
  readonly describe: (name: string, body: () => void) => void;
  readonly test: (name: string, body: () => Promise<void>) => void;
}

/** One test; or, when there is a reason why it does not apply, a title that says so. */
export type Case = (name: string, body: () => Promise<void>, notApplicable?: string | false | undefined) => void;

export function caseOf(kit: Kit): Case {
  return (name, body, notApplicable) => {
    if (notApplicable) kit.test(`not applicable (${notApplicable}): ${name}`, async () => undefined);
    else kit.test(name, body);
  };
}

/** Fails instead of hanging: a promise that does not end within the limit. */
export async function within<T>(what: string, limitMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limitMs} ms in vain until ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again until it is so. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
