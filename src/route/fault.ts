import type { Place } from '../config/model.ts';

/** Something wrong with a route that no field can know, not yet told as a problem of its file. */
export interface Fault {
  readonly at: Place;
  readonly rule: string;
  readonly message: string;
  readonly hint?: string;
}
