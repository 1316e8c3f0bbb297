/**
 * Something there is only so much of, held by addresses. Nobody's share is fixed: one address alone may hold all of it,
 * and when all is taken, the address that holds most gives way to one that holds less.
 */

/** What one connection or request holds of it. */
export interface Holding {
  /** Whose it is. */
  readonly address: string;
  /** Takes it away from its holder, who is told so or cut off. It is counted no more by then. */
  giveWay(): void;
  /** Whether it may be taken at any time, since its holder loses next to nothing. */
  isSpare?(): boolean;
}

/** What one address holds, in the order in which it was last used. */
interface Share<H> {
  total: number;
  readonly holdings: Map<H, number>;
}

export class Shares<H extends Holding> {
  readonly limit: number;
  readonly #shares = new Map<string, Share<H>>();
  #total = 0;
  #gaveWay = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** How much is held by all. */
  get total(): number {
    return this.#total;
  }

  /** How often somebody had to give way or was refused, since the start. */
  get gaveWay(): number {
    return this.#gaveWay;
  }

  /** Adds to what a holding amounts to, and makes it the last used of its address, whether or not there is room. */
  add(holding: H, amount: number): void {
    const share = this.#shares.get(holding.address) ?? { total: 0, holdings: new Map<H, number>() };
    this.#shares.set(holding.address, share);
    const before = share.holdings.get(holding) ?? 0;
    share.holdings.delete(holding);
    share.holdings.set(holding, before + amount);
    share.total += amount;
    this.#total += amount;
  }

  /**
   * The same where there is room, or where others give way to it. False: there is none, and what the holding amounted to
   * before is taken from it, too.
   */
  take(holding: H, amount: number): boolean {
    this.add(holding, amount);
    while (this.#total > this.limit) {
      const next = this.#nextToGo(holding) ?? holding;
      this.#gaveWay += 1;
      this.drop(next);
      if (next === holding) return false;
      next.giveWay();
    }
    return true;
  }

  /** Whether so much more would be refused to an address. (What is spare is not looked at.) */
  isFullFor(address: string, amount: number): boolean {
    if (this.#total + amount <= this.limit) return false;
    const own = (this.#shares.get(address)?.total ?? 0) + amount;
    for (const share of this.#shares.values()) if (share.total > own) return false;
    return true;
  }

  /** It was used just now: others of its address give way before it. */
  touch(holding: H): void {
    const holdings = this.#shares.get(holding.address)?.holdings;
    const amount = holdings?.get(holding);
    if (holdings === undefined || amount === undefined) return;
    holdings.delete(holding);
    holdings.set(holding, amount);
  }

  /** Counts a holding no more. Nothing happens where it was not counted. */
  drop(holding: H): void {
    const share = this.#shares.get(holding.address);
    const amount = share?.holdings.get(holding);
    if (share === undefined || amount === undefined) return;
    share.holdings.delete(holding);
    share.total -= amount;
    this.#total -= amount;
    if (share.holdings.size === 0) this.#shares.delete(holding.address);
  }

  /**
   * Who gives way to a newcomer, who is counted already: of the address that holds most what is spare, or what was not used
   * for longest where the newcomer's holds less; else what is spare of an address that holds no less.
   */
  #nextToGo(newcomer: H): H | undefined {
    const own = this.#shares.get(newcomer.address)!;
    const most = this.#largest(own);
    const spare = spareOf(most, newcomer);
    if (spare !== undefined) return spare;
    if (most.total > own.total) return oldestOf(most);
    for (const share of this.#shares.values()) {
      const equal = share.total < own.total ? undefined : spareOf(share, newcomer);
      if (equal !== undefined) return equal;
    }
    return undefined;
  }

  /** Takes what is largest from whoever holds most, until no more is held than there is. For what was only added. */
  settle(): void {
    while (this.#total > this.limit) {
      const [first] = this.#shares.values();
      const next = largestOf(this.#largest(first!));
      this.#gaveWay += 1;
      this.drop(next);
      next.giveWay();
    }
  }

  /** The share that is larger than all others, or else the given one. */
  #largest(given: Share<H>): Share<H> {
    let most = given;
    for (const share of this.#shares.values()) if (share.total > most.total) most = share;
    return most;
  }
}

function spareOf<H extends Holding>({ holdings }: Share<H>, newcomer: H): H | undefined {
  for (const holding of holdings.keys())
    if (holding !== newcomer && holding.isSpare?.() === true) return holding;
  return undefined;
}

function oldestOf<H>({ holdings }: Share<H>): H | undefined {
  return holdings.keys().next().value;
}

function largestOf<H>({ holdings }: Share<H>): H {
  const [first] = holdings;
  let [largest, most] = first!;
  for (const [holding, amount] of holdings) if (amount > most) [largest, most] = [holding, amount];
  return largest;
}
