import { z } from "zod";
import { errorCodes } from "./errors.ts";

/** One thing wrong with a body or a parameter. */
export const FieldError = z
  .object({
    pointer: z
      .string()
      .meta({ description: "JSON pointer into the body, or the parameter's name", example: "/checks/0/cost" }),
    detail: z.string().meta({ example: "must be at least 1" }),
  })
  .meta({ id: "FieldError" });

/** RFC 9457 problem details, the body of every error. */
export const Problem = z
  .looseObject({
    type: z.string().meta({ description: "URI of the problem type", example: "about:blank" }),
    title: z.string(),
    status: z.int(),
    code: z.enum(errorCodes as [string, ...string[]]).meta({ description: "stable code" }),
    detail: z.string().meta({ description: "what to do" }),
    instance: z.string().meta({ description: "the request id" }),
    errors: z.array(FieldError).optional(),
  })
  .meta({ id: "Problem" });

export type FieldError = z.infer<typeof FieldError>;
export type Problem = z.infer<typeof Problem>;

/** The type of a 429, registered by draft-ietf-httpapi-ratelimit-headers. */
export const quotaExceededType = "https://iana.org/assignments/http-problem-types#quota-exceeded";
