// Questions of which only the last one counts.

/** Begin a series: call what this returns at each question, and what that returns once its answer is there: true unless another was asked since. */
export function turns() {
  let last = 0;
  return () => {
    last += 1;
    const own = last;
    return () => own === last;
  };
}
