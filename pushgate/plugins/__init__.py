"""The package of plug-ins: its modules here, in each directory ``pushgate/plugins`` without ``__init__.py``
on ``sys.path``, and in the directories given with ``--plugins``.
"""

from twisted.plugin import pluginPackagePaths

__path__.extend(pluginPackagePaths(__name__))
__all__: list[str] = []
