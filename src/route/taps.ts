import type { OneSink, RouteModel, StepModel } from '../config/model.ts';
import type { CompiledSink } from './ends.ts';
import { stepsOf } from './share.ts';

/** A step that hands copies to a sink of its own. */
export type TapModel = StepModel & { readonly sink: OneSink };

export interface CompiledTap extends CompiledSink {
  readonly step: TapModel;
}

/** The taps of a route, in the order of its steps, then of those in the branches of its sink. */
export function tapsOf({ steps, sink }: Pick<RouteModel, 'steps' | 'sink'>): readonly TapModel[] {
  return [...steps, ...stepsOf(sink)].filter((step): step is TapModel => step.sink !== undefined);
}
