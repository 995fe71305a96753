/** The job file that `cube init` writes: it works as it is, on Docker and on the process runtime. */
export const jobTemplate = `# A job for Cube. Run it with: cube submit job.yaml
# Sizes are 128MiB or 1GiB, durations 500ms, 10s or 5m, cpu is in cores.

name: hello
type: service                 # service: runs for good; batch: runs to its end

# datacenters: [dc1]          # default: any
# priority: 50                # 1 to 100, higher is placed first
# labels: {team: web}

tasks:
  web:                        # its instances are called hello/web.1, hello/web.2
    image: busybox:latest
    command: [/bin/sh, -c, "while true; do echo $GREETING from $(hostname); sleep 5; done"]
    count: 2

    # What is reserved on the node, and the limit:
    resources: {cpu: 0.1, memory: 32MiB}

    env: {GREETING: hello}

    # Host port and container port; with the container's alone a free host port is picked:
    # ports: ["8080:80", "9000"]

    # What to do when it ends. For a service always, for a batch job 3 times on failure:
    # restart: {on: failure, attempts: 3, within: 10m, delay: 1s, backoff: 2, delayMax: 1m}

    # How to find out whether it is well; without this its image's own check counts, if it has one:
    # health: {http: /health, port: 80, interval: 5s, timeout: 2s, retries: 3, startPeriod: 10s}   # or tcp: 80, or exec: [..]

    # Which nodes may run it: labels (cube up --label disk=ssd), name, datacenter, os, arch, cpu.model, docker.version:
    # constraints: [label.disk == ssd, docker.version >= 20.10]   # ==, !=, <, <=, >, >=, in [a, b], not in [a, b], exists, not exists
    # affinity: [label.zone == a]                                 # preferred, not asked for
    # spread: datacenter                                          # or node, or label.rack
    # maxPerNode: 2

    # stopSignal: SIGTERM     # default: the image's own
    stopGrace: 2s             # from the signal to the kill

# Then:
#   cube status hello         what runs where
#   cube logs -f hello        what it writes
#   cube explain hello/web.1  why it is where it is
#   cube stop hello           stop it
`;
