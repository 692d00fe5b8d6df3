/** Bodies that nothing outlives: for tests of routes. */
import type { Claim, ClaimStats, Claims } from './claims.ts';

export class MemoryClaims implements Claims {
  readonly #bodies = new Map<Claim, Buffer>();
  #next = 1;

  async put(bodies: readonly Buffer[]): Promise<readonly Claim[]> {
    return bodies.map((body) => {
      const claim = `claim-${this.#next++}`.padEnd(22, '-');
      this.#bodies.set(claim, body);
      return claim;
    });
  }

  async get(claim: Claim): Promise<Buffer | undefined> {
    return this.#bodies.get(claim);
  }

  async collect(): Promise<void> {}

  stats(): ClaimStats {
    return { bodies: this.#bodies.size, bytes: 0 };
  }

  async close(): Promise<void> {}
}
