import type { Command } from 'commander';
import { addExplain } from './explain.ts';
import { addRun } from './run.ts';
import { addValidate } from './validate.ts';

/** The verbs, in the order in which help shows them. */
export const verbs: readonly ((program: Command) => void)[] = [addRun, addValidate, addExplain];
