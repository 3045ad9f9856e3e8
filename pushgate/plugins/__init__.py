"""Where plug-ins are found: modules here, in ``pushgate/plugins`` beside any other entry of ``sys.path``
that has no ``__init__.py``, and in the directories given with ``--plugins``.
"""

from twisted.plugin import pluginPackagePaths

__path__.extend(pluginPackagePaths(__name__))
__all__: list[str] = []
