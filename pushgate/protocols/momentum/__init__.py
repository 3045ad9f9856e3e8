"""What Momentum (Message Systems, later SparkPost) speaks, without I/O.

`mcmt` reads its messages, which `mime_parts` cuts into their parts; `addresses` reads those of recipients,
`template` fills in the keys of a recipient of its REST injector, `apn_log` makes the lines of its log.
`ecelerity_conf` reads its configuration, of which `conf_translation` makes ours.

Sources: Momentum 3.5's chapters on push notifications and on its REST injector, RFC 5322, 2045 and 2046.
"""
