/** `work` for each item, so many at a time, in the order of the items. @throws the first error, when those in hand have ended */
export async function sideBySide<Item, Result>(
  items: readonly Item[],
  atATime: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as Item);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: atATime }, lane));
  for (const each of lanes) if (each.status === 'rejected') throw each.reason;
  return results;
}
