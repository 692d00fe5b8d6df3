import { BadSetting, MqferryError } from '../errors.ts';

/** The one key of several optional ones that is written. Throws CONFIG_INVALID. */
export function chosen<V extends Readonly<Record<string, unknown>>>(
  step: string,
  value: V,
): readonly [name: keyof V & string, options: unknown] {
  const written = Object.entries(value).filter(([, options]) => options !== undefined);
  const [first, second] = written;
  if (first && second) throw new BadSetting(second[0], `${first[0]} and ${second[0]} exclude each other: keep one of them`);
  if (!first) throw new MqferryError('CONFIG_INVALID', `${step} needs one of ${Object.keys(value).join(', ')}`);
  return written[0] as [keyof V & string, unknown];
}
