/** The small shell program around each process: it tells who it is, runs the command, and writes down how that ended. */

/**
 * POSIX sh, built-ins only, because PATH is the task's. Called as `sh -c SHIM cube-shim FOLDER COMMAND...` in a process
 * group and session of its own, with descriptor 3 to say that it runs. It survives the node, and leaves these files:
 * - `claim`: only the shim that makes it runs the command, so that no attempt ever runs twice;
 * - `pid`: its process id and what tells it from a later process with the same id (identity.ts);
 * - `exit`: the command's exit code. A file without its newline is not written yet.
 * Its own remarks ("Terminated") are no output of the task's and go nowhere. The traps keep the shim alive through signals to the group, and are undone in the command by the shell itself. At the
 * end it kills what is left of its group, as the end of a container would.
 */
export const shim = `
folder=$1
shift
(set -C; : >"$folder/claim") 2>/dev/null || exit 0
trap : HUP INT QUIT ABRT PIPE ALRM TERM USR1 USR2 TSTP TTIN TTOU XCPU XFSZ VTALRM PROF
began() { shift 19; began=$1; }
if { read -r stat <"/proc/$$/stat" && read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null; then
  began \${stat##*) }
  began="$boot $began"
else
  began=$(LC_ALL=C PATH=/bin:/usr/bin ps -o lstart= -p "$$")
fi
printf '%s\\n%s\\n' "$$" "$began" >"$folder/pid"
printf 'ready' >&3
exec 3>&- 4>&2 2>/dev/null
"$@" 2>&4 4>&-
code=$?
printf '%s\\n' "$code" >"$folder/exit"
kill -KILL "-$$"
`;
