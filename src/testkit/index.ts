/**
 * The contract suite: what every connector must do, as tests for vitest, node:test or anything else with `describe` and `test`. What a
 * broker cannot do is declared by `can`, and shows in the title of the test as *not applicable*.
 */
export { captureLog, testContext, testSettings } from './context.ts';
export type { Kit } from './kit.ts';
export { type SinkArena, type SinkSubject, sinkContract } from './sink-contract.ts';
export { sourceContract } from './source-contract.ts';
export type { SourceArena, SourceSubject } from './source-subject.ts';
