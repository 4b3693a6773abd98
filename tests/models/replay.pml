// SPDX-License-Identifier: MIT
/*
 * A model of the replay store (src/host/replay_*). Property: no authenticator succeeds twice.
 *
 * Two processes present an authenticator, dated behind, now or ahead, as often as they like. A third dies after any of its steps. The store may grow
 * at any moment. Dead records give their places back. The file may be unlinked, renamed or damaged at any moment, and the
 * machine may lose power: then every process ends, the main file is worth nothing (it is never synchronised), and of the
 * journal only what was synchronised is left. Each step is named after the function that does it.
 *
 * With SEGMENT the records lie in shared memory: a process then looks at the file's path only when it has not done so for
 * LEASE (path_is_to_be_looked_at), and what makes a store anew tells those who wait for its locks (retire). A record that a
 * killed process was writing is there or not, as in the file: the next holder of the stripe finishes it, and the process
 * did not come to its success.
 *
 * Time is counted in units of half a second, as it were: an authenticator is fresh while |now - dated| <= SKEW; a record
 * of one dated ahead goes to the journal too; a store made anew at T0 refuses what is dated <= T0 + DOOR.
 * Left out, because the unit tests show it: encodings, clock steps, the loss of both files.
 *
 * Define one of these to see the property broken: MUTANT_NO_LOCK (find and write without a lock), MUTANT_NO_EXAMINE (the
 * path is not looked at, not after locking nor ever), MUTANT_NO_DOOR (a new store accepts everything), MUTANT_NO_JOURNAL (ahead-dated
 * ones are not written to it), MUTANT_RECEIPT (a record lives until receipt + SKEW, as MIT's), MUTANT_OLD_HEADER (a
 * changed size is not noticed), MUTANT_SHORT_DOOR (a new store refuses too little for the LEASE), MUTANT_HELD_UP (a process goes on however long it was stopped; the first version of the
 * store had this fault, and this model found it).
 */
#define TABLES 2
#define SKEW 1
#define MARGIN 1 /* a record lives that much longer than its authenticator is fresh */
#define HELD_UP 1 /* a request older than that is not decided (check_not_held_up); at most MARGIN */
#define LEASE 0 /* of SEGMENT: the path is looked at once in a unit of time; never more than DOOR */
#ifdef MUTANT_SHORT_DOOR
#define DOOR (-1)
#else
#define DOOR 0
#endif
#ifndef LAST
#define LAST 4
#endif
#define INODES 2 /* one trouble, so at most two files */
#define NONE 9

byte now = 1;
byte dated;
byte successes;

typedef Table { byte until }; /* 0: no record, else the last moment of its life */
typedef Inode {
    Table table[TABLES];
    byte tables; /* how many the header lists; the file's size tells when that changes */
    byte door;   /* dated < door is refused */
    bit damaged;
#ifdef SEGMENT
    bit retired;
#endif
    bit stripe;  /* the lock of these keys' stripe; what needs Standstill takes it too */
};
Inode inode[INODES];
byte path = NONE; /* the inode at the store's path */
byte made = 0;

bit journal_exists = 0;
byte written; /* in the journal */
byte on_disk; /* and synchronised */

bit directory = 0; /* the directory's lock */
bit epoch = 0;     /* changes with a loss of power: processes of the former epoch do nothing any more */

#define fresh (dated + SKEW >= now && dated <= now + SKEW)
#define later(x, y) ((x) > (y) -> (x) : (y))

#ifdef MUTANT_RECEIPT
#define life (t + SKEW)
#else
#define life (later(t, dated) + SKEW + MARGIN)
#endif

#ifdef MUTANT_NO_LOCK
#define lock_stripe(n) skip
#else
#define lock_stripe(n) atomic { !inode[n].stripe -> inode[n].stripe = 1 }
#endif
#define unlock_stripe(n) inode[n].stripe = 0

#ifdef SEGMENT
#define retire(n) inode[n].retired = 1
#define forget mine = NONE; looked = NONE
#else
#define retire(n) skip
#define forget mine = NONE
#endif

/* create_store, by the holder of the directory's lock. One step: the rename at its end makes the file visible. */
inline create_store()
{
    d_step {
        inode[made].tables = 1;
        inode[made].table[0].until = (journal_exists -> written : 0);
#ifndef MUTANT_NO_DOOR
        inode[made].door = (journal_exists -> now + DOOR + 1 : 0); /* heritage_of */
#endif
        journal_exists = 1;
        path = made;
        made++
    }
}

/* replace_damaged waits for the users of the damaged file (Standstill); others have to wait for the lock only. */
inline open_store()
{
    atomic { !directory -> directory = 1 };
    if
    :: born != epoch -> goto ended
    :: born == epoch && path == NONE -> create_store()
    :: born == epoch && path != NONE && inode[path].damaged ->
        mine = path;
        lock_stripe(mine);
        if
        :: born != epoch -> unlock_stripe(mine); goto ended
        :: else -> retire(mine); create_store(); unlock_stripe(mine)
        fi
    :: else
    fi;
    d_step { mine = path; directory = 0 }
}

proctype Acceptor()
{
    byte mine = NONE; /* the inode that this process has open */
    byte t;           /* the clock, read once for a request */
    byte size;
#ifdef SEGMENT
    byte looked = NONE; /* when the path was last seen to lead to `mine` */
#endif
#ifdef MUTANT_OLD_HEADER
    byte known;
#endif
    bit born;         /* the epoch in which this process runs */

again:
    /* AcceptorExchange::accept: what is not fresh does not come as far as the store */
    atomic {
        born = epoch;
        t = now;
        size = 0;
        if
        :: fresh
        :: now == LAST -> goto ended
        fi
    };
opening:
    if
    :: mine == NONE || inode[mine].damaged ->
        if
        :: path == NONE || inode[path].damaged -> open_store()
        :: else -> mine = path
        fi
    :: else
    fi;
    if
    :: mine == NONE -> goto opening
    :: else
    fi;
#if defined(SEGMENT) && !defined(MUTANT_NO_EXAMINE)
    if
    :: looked == NONE || t > looked + LEASE -> /* look_at_path */
        if
        :: path != mine -> forget; goto opening
        :: else -> looked = t
        fi
    :: else
    fi;
#endif
    lock_stripe(mine); /* insert */
#ifdef SEGMENT
    if
    :: inode[mine].retired -> unlock_stripe(mine); forget; goto opening /* examine */
    :: else
    fi;
#else
#ifndef MUTANT_NO_EXAMINE
    if
    :: path != mine -> unlock_stripe(mine); forget; goto opening /* examine */
    :: else
    fi;
#endif
#endif
#ifdef MUTANT_OLD_HEADER
    size = (known == 0 -> inode[mine].tables : known);
    known = size;
#else
    size = inode[mine].tables; /* refreshed */
#endif
#ifndef MUTANT_HELD_UP
    if
    :: now > t + HELD_UP -> goto refused /* check_not_held_up */
    :: else
    fi;
#endif
    if
    :: inode[mine].damaged -> unlock_stripe(mine); goto opening
    :: !inode[mine].damaged && dated < inode[mine].door -> goto refused /* check_known */
    :: !inode[mine].damaged && dated >= inode[mine].door &&
       (inode[mine].table[0].until || (size == 2 && inode[mine].table[1].until)) -> goto refused /* search */
    :: else
    fi;
    atomic { /* search: write_at */
        if
        :: born == epoch -> inode[mine].table[size - 1].until = life
        :: else -> unlock_stripe(mine); goto ended
        fi
    };
    unlock_stripe(mine);
#ifndef MUTANT_NO_JOURNAL
    if
    :: dated > t -> /* keep_for_power_loss */
        atomic { born == epoch -> written = life }; /* append_journal */
        atomic { born == epoch -> on_disk = written }; /* synchronise */
        if
        :: path != mine -> forget; goto again /* examine_path: refused */
        :: else
        fi
    :: else
    fi;
#endif
    atomic { /* the login succeeds, if the process still lives */
        if
        :: born == epoch -> successes++; assert(successes < 2)
        :: else -> goto ended
        fi
    };
    goto again;
refused:
    unlock_stripe(mine);
    goto again;
ended:
    atomic { /* with a loss of power its successors begin anew */
        if
        :: born != epoch -> forget; goto again
        :: else
        fi
    }
}

/* A process that is killed after any of its steps. What it wrote stays, the kernel gives its lock back. */
proctype Killed()
{
    byte mine;
    byte t;
    bit born;

    atomic {
        path != NONE -> mine = path; born = epoch; t = now;
        if
        :: fresh
        :: else -> goto gone
        fi
    };
    lock_stripe(mine);
    if
    :: path != mine || inode[mine].damaged || dated < inode[mine].door -> goto killed
    :: else
    fi;
    if
    :: goto killed
    :: skip
    fi;
    atomic {
        if
        :: born == epoch && !inode[mine].table[0].until && !inode[mine].table[1].until ->
            inode[mine].table[inode[mine].tables - 1].until = life
        :: else -> goto killed
        fi
    };
    if
    :: goto killed
    :: dated > t -> unlock_stripe(mine); atomic { born == epoch -> written = life }; goto gone
    :: else
    fi;
killed:
    unlock_stripe(mine);
gone:
    skip
}

/* publish_next_table, under Standstill */
proctype Growing()
{
    byte mine;

    atomic { path != NONE -> mine = path };
    lock_stripe(mine);
    atomic {
        if
        :: path == mine && !inode[mine].damaged -> inode[mine].tables = 2 /* change_layout */
        :: else
        fi
    };
    unlock_stripe(mine)
}

/* The clock; and a dead record's place that is given to another one. */
proctype Clock()
{
    byte k;

    do
    :: now < LAST -> now++
    :: atomic {
           path != NONE && !inode[path].stripe ->
           if
           :: k = 0
           :: k = 1
           fi;
           if
           :: inode[path].table[k].until != 0 && inode[path].table[k].until < now ->
               inode[path].table[k].until = 0
           :: else
           fi
       }
    :: now == LAST -> break
    od
}

proctype Trouble()
{
    if
    :: atomic { path != NONE -> path = NONE } /* unlinked or renamed by somebody who takes no lock */
    :: atomic { path != NONE -> inode[path].damaged = 1 }
    :: atomic { /* loss of power */
           path != NONE ->
           epoch = 1;
           path = NONE;
           directory = 0;
           written = on_disk
       }
    :: skip
    fi
}

init
{
    atomic {
        if
        :: dated = 1
        :: dated = 2
        :: dated = 3
        fi;
        run Acceptor();
        run Acceptor();
        run Clock();
        /* One disturbance in a run; with -DALL, for which an hour and much memory are needed, all together. */
#ifdef ALL
        run Killed();
        run Growing();
        run Trouble()
#else
        if
        :: run Killed()
        :: run Growing()
        :: run Trouble()
        fi
#endif
    }
}
