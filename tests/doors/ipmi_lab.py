"""A BMC over IPMI: OpenIPMI's ipmi_sim, with a board temperature, node power, and a chassis.

The chassis is a shell script over files in its folder, so a test sees what the BMC was told:
`power` holds 0 or 1, `told` one line an order.  A power cycle is "power 0" and then "power 1".
"""
import os
import shutil
import socket
import subprocess

SDR = """sdr type 1
\tsensor_owner_id\t\t0x20
\tsensor_owner_lun\t0
\tchannel_number\t\t0
\tsensor_number\t\t{number}
\tentity_id\t\tsystem_board
\tentity_instance\t\t1
\tinit_scanning\t\ttrue
\tinit_events\t\ttrue
\tinit_thresholds\t\ttrue
\tinit_sensor_type\ttrue
\tdefault_event_gen_on\ttrue
\tdefault_sensor_scan_on\ttrue
\tsensor_auto_rearm\ttrue
\tsensor_threshold_access\tsettable
\tsensor_event_msg_ctrl\tper_state
\tsensor_type\t\t{kind}
\tevent_reading_type_code\t1
\treturn_unc\t\ttrue
\treturn_uc\t\ttrue
\tassert_uncgh\t\ttrue
\tassert_ucgh\t\ttrue
\tdeassert_ucgh\t\ttrue
\tuc_thrsh_settable\ttrue
\tunc_thrsh_settable\ttrue
\tanalog_data_format\tunsigned
\trate_unit\t\tnone
\tmodifier_unit\t\tnone
\tpercentage\t\tfalse
\tbase_unit\t\t{unit}
\tmodifier_unit_code\tunspecified
\tlinearization\t\tlinear
\tm\t\t\t{m}
\ttolerance\t\t0
\tb\t\t\t0
\taccuracy\t\t1
\taccuracy_exp\t\t0
\tsensor_direction\tinput
\tr_exp\t\t\t0
\tb_exp\t\t\t0
\tsensor_maximum\t\t255
\tsensor_minimum\t\t0
\tuc_fthresh\t\t{critical}
\tunc_fthresh\t\t{warning}
\tid_string\t\t"{name}"
endsdr
"""

CHASSIS = """#!/bin/sh
# ipmi_sim: CHASSIS 0x20 get|set|check WHAT [VALUE] ...
shift
order=$1
shift
while [ $# -gt 0 ]; do
    case $order in
    get)
        if [ "$1" = power ]; then echo "power:$(cat {folder}/power)"; else echo "$1:0"; fi
        shift ;;
    set)
        echo "$1 $2" >>{folder}/told
        [ "$1" = power ] && echo "$2" >{folder}/power
        shift 2 ;;
    *) shift ;;
    esac
done
exit 0
"""


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class IpmiBmc:
    def __init__(self, folder, user="admin", password="test"):
        self.folder, self.user, self.password = folder, user, password
        self.port = free_udp_port()
        state = os.path.join(folder, "state", "ipmi_sim", "bmc")
        os.makedirs(state)
        self.write("temp", "45")
        self.write("watts", "204")
        self.write("power", "1")
        self.write("told", "")
        self.write("all.sdrs",
                   SDR.format(number=1, kind="Temperature", unit="degrees_C", m=1, critical=80,
                              warning=75, name="MBTemp") +
                   SDR.format(number=2, kind="Current", unit="Watts", m=50, critical=12500,
                              warning=12000, name="NodePower"))
        self.write("chassis.sh", CHASSIS.format(folder=folder))
        os.chmod(self.path("chassis.sh"), 0o755)
        self.write("lan.conf", f'''name "bmc"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {self.port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{self.path("chassis.sh")} 0x20"
  user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
''')
        self.write("sim.cmd", f'''mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
sensor_add 0x20 0 1 0x01 1 poll 200 file "{self.path("temp")}"
sensor_set_threshold 0x20 0 1 settable 011000 0 80 75 0 0 0
sensor_set_event_support 0x20 0 1 enable scanning per-state 000111111000000 000111111000000 000111111000000 000111111000000
sensor_add 0x20 0 2 0x0b 1 poll 200 file "{self.path("watts")}"
mc_enable 0x20
''')
        subprocess.run(["sdrcomp", "-o", os.path.join(state, "sdr.20.main"), self.path("all.sdrs")],
                       check=True, stdout=subprocess.DEVNULL)
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["ipmi_sim", "-n", "-c", self.path("lan.conf"), "-f", self.path("sim.cmd"),
             "-s", self.path("state")], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


def available():
    return all(shutil.which(p) for p in ("ipmi_sim", "sdrcomp", "ipmitool"))
