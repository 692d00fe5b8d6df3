import { type Message, MqferryError } from '../../src/connector.ts';
import { inbound, outbound } from '../../src/envelope.ts';
import { type Differences, differences } from './compare.ts';
import type { Wire } from './wires.ts';

/** Over one hop, as a route without steps does it. */
export function hop(message: Message, from: Wire, to: Wire, trusted: boolean): Message {
  const out = outbound(to.sink, 'envelope', { maxHops: 9 })(inbound(trusted, from.source)(message));
  if (out instanceof MqferryError) throw out;
  return to.read(to.write(out)).asReceived();
}

/** From A to B and back to A, which trusts B; `sent` is written at A as it is. */
export function thereAndBack(sent: Message, a: Wire, b: Wire): Differences {
  const want = a.read(a.write(sent));
  const got = hop(hop(want, a, b, false), b, a, true);
  return differences(want, got, a, b, 3000);
}
