/**
 * Divides a limited resource between client addresses. No address has a fixed share: one alone may hold everything, and
 * when all of it is taken, the address that holds most has to release something to one that holds less.
 */

/** What one connection or request holds of the resource. */
export interface Holding {
  /** The address that it is counted for. */
  readonly address: string;
  /** Takes the resource away from its holder, who gets an error or is cut off. It is no longer counted by then. */
  giveWay(): void;
  /** Whether it may be taken at any time, because its holder loses next to nothing. */
  isSpare?(): boolean;
}

/** What one address holds, least recently used first. */
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

  /** How much all addresses hold together. */
  get total(): number {
    return this.#total;
  }

  /** How often a holding was released or refused since the start. */
  get gaveWay(): number {
    return this.#gaveWay;
  }

  /** Increases a holding and marks it as the most recently used of its address, whether or not there is room. */
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
   * Increases a holding if there is room, or if others can be made to release enough. Returns false if not; the holding
   * then loses what it already had, too.
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

  /** Whether this much more would be refused to an address, ignoring what is spare. */
  isFullFor(address: string, amount: number): boolean {
    if (this.#total + amount <= this.limit) return false;
    const own = (this.#shares.get(address)?.total ?? 0) + amount;
    for (const share of this.#shares.values()) if (share.total > own) return false;
    return true;
  }

  /** Marks a holding as just used: others of its address are released before it. */
  touch(holding: H): void {
    const holdings = this.#shares.get(holding.address)?.holdings;
    const amount = holdings?.get(holding);
    if (holdings === undefined || amount === undefined) return;
    holdings.delete(holding);
    holdings.set(holding, amount);
  }

  /** Stops counting a holding; does nothing if it was not counted. */
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
   * The holding to release for another, which is counted already. It belongs to the address that holds most: a spare
   * holding, or its least recently used one if the other's address holds less. If that leaves none, it is a spare holding
   * of any address that holds no less than the other's.
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

  /**
   * Releases the largest holdings of whichever address holds most until the total is within the limit; for use after
   * `add`.
   */
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
