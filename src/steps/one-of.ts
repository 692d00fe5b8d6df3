import { MqferryError } from '../errors.ts';

/** The one key of several optional ones that is written. Throws CONFIG_INVALID. */
export function chosen<V extends Readonly<Record<string, unknown>>>(
  step: string,
  value: V,
): readonly [name: keyof V & string, options: unknown] {
  const written = Object.entries(value).filter(([, options]) => options !== undefined);
  if (written.length !== 1) throw new MqferryError('CONFIG_INVALID', `${step} needs one of ${Object.keys(value).join(', ')}`);
  return written[0] as [keyof V & string, unknown];
}
