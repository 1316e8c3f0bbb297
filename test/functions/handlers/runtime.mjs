/** A runtime of one's own, such as an operator may name as `command`: by nothing but the Runtime API. */
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const post = (path, body) => fetch(`${api}${path}`, { method: "POST", body });

if (process.env.REFUSE) {
  await post("/init/error", JSON.stringify({ errorType: process.env.REFUSE, errorMessage: "cannot begin" }));
  process.exit(1);
}
for (;;) {
  const next = await fetch(`${api}/invocation/next`);
  const id = next.headers.get("lambda-runtime-aws-request-id");
  const event = await next.json();
  if (event.do === "odd") {
    const statuses = [];
    for (const [path, body] of [
      [`/invocation/${id}x/response`, "1"],
      ["/nowhere", "1"],
    ])
      statuses.push((await post(path, body)).status);
    const page = await fetch(`${api}/invocation/next`, { headers: { origin: "https://evil.example" } });
    await post(`/invocation/${id}/response`, JSON.stringify([...statuses, page.status]));
    // It was answered: nobody waits for another answer.
    await post(`/invocation/${id}/response`, '"second"');
  } else if (event.do === "large") {
    const { status } = await post(`/invocation/${id}/response`, "x".repeat(6 * 1024 * 1024 + 1));
    console.log(`answered ${status}`);
  } else if (event.do === "no JSON") await post(`/invocation/${id}/response`, "{");
  else if (event.do === "no error") await post(`/invocation/${id}/error`, "{");
  else {
    const names = ["deadline-ms", "invoked-function-arn"];
    const headers = names.map((name) => next.headers.get(`lambda-runtime-${name}`));
    await post(
      `/invocation/${id}/response`,
      JSON.stringify({ headers, argv: process.argv.slice(2), pid: process.pid }),
    );
  }
}
