// Requests of which only the latest counts.

/** Return a function to call at each request. It returns a function that is true until the next request. */
export function turns() {
  let last = 0;
  return () => {
    last += 1;
    const own = last;
    return () => own === last;
  };
}
