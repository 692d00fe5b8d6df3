/** A batch on its way through steps that wait. */
import type { Message } from '../message.ts';
import type { Aside } from '../steps/step.ts';
import type { Bell } from './bell.ts';
import type { Hand, WaitingShare } from './plan.ts';

/** What a batch in progress does to its pump. */
export interface Effects {
  readonly aside: Aside;
  readonly hand: Hand;
  brokeOff(error: unknown): void;
  /** All of it is handed on, set aside or filtered. */
  ended(): void;
}

/**
 * Resolves when the whole batch has passed; or when the pump closes: what then still waits is not settled, and comes again. A step that never
 * resolves is left alone. Nothing of a batch that is over is heard.
 */
export async function passWhole(
  share: WaitingShare,
  messages: readonly Message[],
  effects: Effects,
  bell: Bell,
  closing: AbortSignal,
): Promise<void> {
  let isOver = false;
  const unlessOver = (act: () => void) => {
    if (!isOver && !closing.aborted) act();
  };
  const aside: Aside = {
    fail: (message, error, step) => unlessOver(() => effects.aside.fail(message, error, step)),
    drop: (message) => unlessOver(() => effects.aside.drop(message)),
    tap: (message, step) => unlessOver(() => effects.aside.tap(message, step)),
  };
  const hand: Hand = (part, sink) => unlessOver(() => effects.hand(part, sink));
  void share
    .pass(messages, aside, hand, closing)
    .catch((error: unknown) => unlessOver(() => effects.brokeOff(error)))
    .then(() => {
      unlessOver(() => effects.ended());
      isOver = true;
      bell.ring();
    });
  await bell.until(() => isOver || closing.aborted);
}
