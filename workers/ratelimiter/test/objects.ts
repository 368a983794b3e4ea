// Tests of the client hold the same clock as the objects that it asks.
export {
  evict,
  holdClock,
  type Limiter,
  limiters,
  pass,
} from "../../../durable-objects/rate-limiter/testing/object.ts";
