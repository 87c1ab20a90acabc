// The one function that is used of the package, which brings no types.
declare module "web-push" {
  type Details = { endpoint: string; headers: Record<string, string | number>; body: Uint8Array };
  type Options = {
    vapidDetails: { subject: string; publicKey: string; privateKey: string };
    TTL: number;
    urgency: "very-low" | "low" | "normal" | "high";
    topic: string;
  };
  const webPush: {
    generateRequestDetails(
      subscription: { endpoint: string; keys: { p256dh: string; auth: string } },
      payload: string,
      options: Options,
    ): Details;
  };
  export default webPush;
}
