// A peer for `scripts/bench-jobs`: the state of a job as a route of Next.js usually has it, from a Map in memory.
// PUT stands for whatever does the job. Nobody is asked who they are, and an answer has no version.

type Context = { params: Promise<{ id: string }> };

const jobs = new Map<string, unknown>();

export async function GET(_request: Request, { params }: Context) {
  const { id } = await params;
  const job = jobs.get(id);
  return job === undefined ? Response.json({ error: "there is no such job" }, { status: 404 }) : Response.json(job);
}

export async function PUT(request: Request, { params }: Context) {
  const { id } = await params;
  jobs.set(id, await request.json());
  return new Response(null, { status: 204 });
}
