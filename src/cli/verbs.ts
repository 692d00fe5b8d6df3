import type { Command } from 'commander';
import { addBuffer } from './buffer.ts';
import { addCheck } from './check.ts';
import { addCopy } from './copy.ts';
import { addDemo } from './demo.ts';
import { addDlq } from './dlq.ts';
import { addEval } from './eval.ts';
import { addExplain } from './explain.ts';
import { addInit } from './init.ts';
import { addList } from './list.ts';
import { addRun } from './run.ts';
import { addTest } from './test.ts';
import { addValidate } from './validate.ts';

/** The verbs, in the order in which help shows them. */
export const verbs: readonly ((program: Command) => void)[] = [
  addRun,
  addValidate,
  addCheck,
  addExplain,
  addTest,
  addEval,
  addInit,
  addCopy,
  addList,
  addDemo,
  addBuffer,
  addDlq,
];
