/** An element that must be there; a miss is a fault of the simulator, not of its caller. */
export function element<T>(list: ArrayLike<T>, index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`nothing at ${index} of ${list.length}`);
  return found;
}
