/** Waits for work, or the crash. Rejects when `progress` stays the same for as long as anybody would wait: nobody is able to go on. */
export async function moving(crash: Promise<unknown>, work: Promise<unknown>, progress: () => string): Promise<void> {
  let before = '';
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      if (before === progress()) reject(new Error(`nothing moves any more: ${before}`));
      before = progress();
    }, 2000);
  });
  try {
    await Promise.race([work, crash, stuck]);
  } finally {
    clearInterval(timer);
  }
}
