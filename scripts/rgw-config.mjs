/** ceph.conf of a cluster on loopback that stands in `root` whole, made to start in a second. */
export function cephConfig({ root, clusterId, monitorPort, port, lifecycleDaySeconds = -1 }) {
  return `[global]
fsid = ${clusterId}
mon host = v2:127.0.0.1:${monitorPort}/0
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
keyring = ${root}/keyring
run dir = ${root}/run
log file = ${root}/log/$name.log
admin socket = ${root}/run/$name.asok
pid file = ${root}/run/$name.cephpid
crash dir = ${root}/crash
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
paxos propose interval = 0.02
paxos min wait = 0.01
debug mon = 0
debug osd = 0
debug ms = 0
debug rgw = 0
debug paxos = 0
[mon]
mon data = ${root}/mon/$id
mon data avail warn = 1
mon data avail crit = 1
[osd]
osd data = ${root}/osd/$id
keyring = ${root}/osd/$id/keyring
osd objectstore = memstore
memstore device bytes = 4294967296
memstore page set = false
osd max object name len = 256
osd max object namespace len = 64
[client.rgw.a]
rgw data = ${root}/rgw
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw dns name = localhost
rgw enable usage log = false
rgw thread pool size = 64
rgw lc debug interval = ${lifecycleDaySeconds}
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = testkey-1=YmluCmJvb3N0CmJvb3N0LWJ1aWxkCmNlcGguY29uZgo=
rgw sts key = abcdefghijklmnop
rgw s3 auth use sts = true
rgw override bucket index max shards = 1
`;
}
