// SPDX-License-Identifier: MIT
/*
 * A model of the store that the hosts of a cluster share (src/host/replay_cluster, src/replayd). Property: no
 * authenticator succeeds twice.
 *
 * Two hosts, whose clocks differ by up to the skew, are given one authenticator at any moment, each as often as TRIES says.
 * A host may die after any step; its store stays (replay.pml is about that). The engine may forget at any moment: in a
 * restart, which ends the agents' connections, or emptied, which they do not feel. A host may be stopped for less than MARGIN
 * between the reading of its clock and the answer. Steps are named after the functions that do them.
 *
 * Define one of these to see the property broken: MUTANT_TRUSTING (an engine is trusted at once, however
 * little it remembers), MUTANT_NO_CHECK (no look at the marker behind the question), MUTANT_CHECK_FIRST (the look comes
 * before it), MUTANT_SHORT_LIFE (an entry lives until the asking host's own clock ends the authenticator's freshness),
 * MUTANT_HELD_UP (a host relies on an answer however long it was stopped), MUTANT_NOT_ATOMIC (the engine is asked whether
 * the tag is there, then told to keep it), MUTANT_LOCAL (replay_agent_failure = local, which says so in the manual).
 */
#define SKEW 1
#define MARGIN 2
#define DATED 5
#ifndef LAST
#define LAST 7
#endif
#ifndef TROUBLES
#define TROUBLES 1
#endif
#ifndef TRIES
#define TRIES 1
#endif

byte now = 1; /* host 0 is on time, host 1 ahead by `ahead` */
byte ahead;
byte successes;

/* The engine. */
byte until = 0;  /* the last moment of the entry's life; 0: there is none */
byte marker = 0; /* a nonce; 0: the key is not there */
byte since;      /* the marker's time */
byte nonces = 0;
byte troubles = 0;
byte ended = 0; /* counts the restarts */

bit stored[2];

#define clock(h) (now + (h) * ahead)
#define fresh(t) ((t) + SKEW >= DATED && (t) <= DATED + SKEW)
/* question_about; `held` is the time for which the caller may be stopped */
#define in_front(t) (DATED > (t) -> DATED - (t) : 0)
#define behind(t) ((t) > DATED -> (t) - DATED : 0)
#ifdef MUTANT_SHORT_LIFE
#define lifetime(t) (in_front(t) + SKEW)
#else
#define lifetime(t) (in_front(t) + 2 * SKEW + MARGIN)
#endif
#define age(t) (2 * SKEW + behind(t) + MARGIN - (in_front(t) > 2 * SKEW + MARGIN -> 2 * SKEW + MARGIN : in_front(t)))
#ifdef MUTANT_TRUSTING
#define remembers(from) true
#else
#define remembers(from) (now - (from) >= age(t))
#endif

proctype Host(byte h)
{
    byte tries = 0;
    byte t;       /* the clock when the request came */
    byte came;    /* the same by the clock that nobody sets */
    byte known;   /* the marker that the agent knows, and its time */
    byte from;
    byte opened;  /* the engine's start at which the connection was made */
    bit is_fresh;
#ifdef MUTANT_CHECK_FIRST
    bit holds;
#endif

    do
    :: tries < TRIES ->
        /* Engine::claim_marker, on_marker: whenever the agent connects anew */
        atomic {
            if
            :: marker == 0 -> nonces++; marker = nonces; since = now
            :: else
            fi;
            known = marker; from = since; opened = ended
        }
        if
        :: true
        :: true -> tries++; goto next /* nothing comes while this connection lasts */
        fi;
        /* the acceptor reads its clock and judges the authenticator */
        atomic { fresh(clock(h)) -> t = clock(h); came = now; tries++ }
        /* ClusterCache::remember: the machine's own store first */
        atomic {
            if
            :: stored[h] -> goto next
            :: else -> stored[h] = 1
            fi
        }
        if
        :: true
        :: true -> goto next /* it dies, or gives up waiting for the agent */
        fi;
        /* Engine::ask */
        if
        :: remembers(from)
        :: else -> goto refused
        fi;
#ifdef MUTANT_CHECK_FIRST
        holds = (marker == known && opened == ended);
#endif
        /* SET NX PX */
#ifdef MUTANT_NOT_ATOMIC
        is_fresh = (until < now);
        until = now + lifetime(t);
#else
        atomic {
            if
            :: opened != ended -> goto refused /* the connection has ended */
            :: else -> is_fresh = (until < now)
            fi;
            if
            :: is_fresh -> until = now + lifetime(t)
            :: else
            fi
        }
#endif
        if
        :: true
        :: true -> goto next /* it dies, or the answer comes too late: remembered here and there */
        fi;
        /* Engine::on_check: GET of the marker, and how far the engine remembers by now */
        atomic {
            if
#ifdef MUTANT_NO_CHECK
            :: opened == ended
#else
#ifdef MUTANT_CHECK_FIRST
            :: holds
#else
            :: opened == ended && marker == known && remembers(from)
#endif
#endif
            :: else -> goto refused
            fi
        }
        atomic {
            if
#ifdef MUTANT_HELD_UP
            :: is_fresh
#else
            :: is_fresh && now - came < MARGIN
#endif
                -> successes++; assert(successes <= 1)
            :: else
            fi
        }
        goto next;
refused:
#ifdef MUTANT_LOCAL
        atomic { successes++; assert(successes <= 1) }
#endif
next:
        skip
    :: else -> break
    od
}

proctype Time()
{
    do
    :: now < LAST -> now++
    :: else -> break
    od
}

proctype Trouble()
{
    do
    :: troubles < TROUBLES -> atomic { troubles++; until = 0; marker = 0; ended++ } /* started anew, or failed over */
    :: troubles < TROUBLES -> atomic { troubles++; until = 0; marker = 0 }          /* emptied */
    :: break
    od
}

init
{
    atomic {
        if
        :: ahead = 0
        :: ahead = SKEW
        fi;
        run Host(0);
        run Host(1);
        run Time();
        run Trouble()
    }
}
