/*
 * `mw-agent exec`: the small privileged half of the agent.  Listens on a Unix
 * socket, believes only a peer of the user that its policy names, and does what
 * that policy allows (exec_policy.h), as exec_act.h says.  Reads and writes
 * nothing else: no network, no configuration from its peer.
 */
#ifndef MW_AGENT_EXEC_H
#define MW_AGENT_EXEC_H

#define EXEC_POLICY_PATH "/etc/millwright/exec.conf"
#define EXEC_SOCKET_PATH "/run/mw-agent/exec.sock"
#define EXEC_STATE_PATH "/var/lib/mw-agent-exec"

/* agent/commands.h has its declaration: the exit status. */

#endif
