/** What the runs of one size came to; milliseconds are of virtual time. */
export interface MembershipRow {
  readonly nodes: number;
  readonly seeds: number;
  readonly messagesPerPeriod: number;
  readonly messagesPerPeriodInChange: number;
  readonly detectionMs: { readonly median: number; readonly most: number };
  readonly convergenceMs: { readonly median: number; readonly most: number };
  readonly falseDeaths: number;
}
