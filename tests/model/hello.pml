/* hello.pml: whose session it is when Hellos are read late (rules 3, 4), and when it may end.
 *
 * One worker, one lease at a time, two coordinators. Hellos wait in a coordinator's inbox for as long
 * as it likes; the worker leaves a stream that does not answer and greets on another one. A claim may
 * end unknown: committed, and its coordinator does not know. Each database transaction is atomic.
 *
 * Invariants: "keeps", a lease that the worker holds, on the stream it was welcomed on, is not taken
 * back by a Hello of another stream; "returns", when nothing can happen any more no lease is left that
 * the worker does not hold.
 *
 * Mutations: M_NO_NUMBER (Hellos are not numbered), M_END_UNCERTAIN (a session ends at its Goodbye
 * though a claim's end is unknown), M_END_BLIND (the database ends a session that holds a lease). The
 * last two have to be missing together: either alone keeps the lease from being lost. */
#ifndef HELLOS
#define HELLOS 4
#endif
#ifndef CLAIMS
#define CLAIMS 2
#endif
#define NOBODY 2

#ifdef M_END_UNCERTAIN
#define KNOWN true
#else
#define KNOWN (!uncertain[me] && !asked[me])
#endif
#ifdef M_END_BLIND
#define NOTHING_HELD true
#else
#define NOTHING_HELD (!live)
#endif

/* database: the session's row, its one lease */
byte number, owner = NOBODY;
bool live, ended;
/* worker */
byte hellos, at = NOBODY; /* stream: to which coordinator */
bool welcomed, holds, leaving;
/* coordinators: late Hellos (number, whether they name the lease); a claim of unknown end */
chan inbox[2] = [HELLOS] of { byte, bool };
bool asked[2], uncertain[2], goodbye[2];
byte claims;

proctype Worker() {
  byte to;
  do
  :: atomic { at == NOBODY && !leaving && hellos < HELLOS ->
       if :: to = 0 :: to = 1 fi;
       hellos++; at = to; welcomed = false; inbox[to]!hellos,holds }
  :: atomic { at != NOBODY && hellos < HELLOS -> at = NOBODY; welcomed = false } /* no answer, or a break */
  :: atomic { at != NOBODY && welcomed && holds -> holds = false; live = false } /* it finishes */
  :: atomic { at != NOBODY && welcomed && !holds && !leaving ->
       leaving = true; goodbye[at] = true; at = NOBODY; welcomed = false }
  od
}

proctype Coordinator(byte me) {
  byte n; bool names;
  do
  :: atomic { inbox[me]?n,names ->
       if
#ifndef M_NO_NUMBER
       :: n <= number || ended -> skip /* refused: the session has a newer stream */
       :: n > number && !ended ->
#else
       :: ended -> skip
       :: !ended ->
#endif
          assert(!(live && !names && holds && welcomed)); /* keeps */
          if :: live && !names -> live = false :: else fi;
          if :: n > number -> number = n :: else fi;
          owner = me; uncertain[me] = false;
          if
          :: n == hellos && at == me -> welcomed = true; holds = live
          :: else
          fi
       fi; n = 0; names = false }
  /* a claim is asked for, and ends later: known, unknown, or not at all */
  :: atomic { owner == me && at == me && welcomed && !live && !asked[me] && claims < CLAIMS ->
       claims++; asked[me] = true }
  :: atomic { asked[me] -> asked[me] = false;
       if
       :: owner == me && !ended && !live && at == me && welcomed -> live = true; holds = true
       :: owner == me && !ended && !live -> live = true; uncertain[me] = true;
          if :: at == me -> at = NOBODY; welcomed = false :: else fi
       :: true
       fi }
  :: atomic { goodbye[me] && owner == me && !ended && KNOWN && NOTHING_HELD ->
       ended = true; goodbye[me] = false }
  /* a ttl of silence: what is uncertain, or was left by a worker that is gone, returns (recovery);
     an ended session is looked at by nobody */
  :: atomic { owner == me && !ended && at == NOBODY && (leaving || hellos == HELLOS) && empty(inbox[0]) && empty(inbox[1]) &&
       (uncertain[me] || live) -> uncertain[me] = false; live = false; holds = false }
  od
}

proctype Check() {
  atomic { timeout -> assert(!live || (holds && at != NOBODY)) } /* returns */
}

init { atomic { run Worker(); run Coordinator(0); run Coordinator(1); run Check() } }
