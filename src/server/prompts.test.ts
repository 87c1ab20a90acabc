import { expect, test } from "bun:test";
import type { AnswerId } from "../protocol.ts";
import { TestLink } from "../testing/link.ts";
import { testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";

test("the whole life of a prompt: asked, shown, answered, delivered, accepted", async () => {
  await using server = await testServer();
  const { link, id: session } = await TestLink.session(server);
  await using viewer = await TestViewer.pair(server);
  await viewer.listen();

  const { id } = await link.ask();
  const shown = await viewer.until("the prompt", () => viewer.prompts.get(id));
  expect(shown).toMatchObject({
    stage: "open",
    session_id: session,
    tool: "Bash",
    input: { command: "npm test" },
  });

  const answer_id = "a1" as AnswerId;
  const reply = await viewer.post(`/api/prompts/${id}/approve`, { digest: shown.digest, answer_id });
  expect(reply).toMatchObject({
    status: 200,
    body: { prompt: { stage: "answered", responded_by: "Phone" } },
  });

  const answer = await link.next("answer");
  expect(answer).toEqual({
    type: "answer",
    prompt: id,
    digest: shown.digest,
    answer_id,
    answer: { option: "approve" as never },
  });
  link.say({ type: "delivered", prompt: id, answer_id });
  await viewer.until("delivered", () => viewer.prompts.get(id)?.stage === "delivered");
  link.say({ type: "accepted", prompt: id });
  const ended = await viewer.until(
    "accepted",
    () => viewer.prompts.get(id)?.stage === "accepted" && viewer.prompts.get(id),
  );
  expect(ended).toMatchObject({ response: { option: "approve" }, outcome: "accepted" });
  await link.acked("accepted", id);
});
