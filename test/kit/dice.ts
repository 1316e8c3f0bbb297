/** Numbers that come again with the seed (Marsaglia's xorshift, 32 bits). */
export function dice(seed: number) {
  let state = seed | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return {
    pick: <T>(list: readonly T[]): T => list[next() % list.length]!,
    chance: (of: number) => next() % of === 0,
  };
}

export type Dice = ReturnType<typeof dice>;
