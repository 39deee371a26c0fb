import { z } from 'zod';
import { optionalStreams } from '../../domain/streams.js';

const chosenStreams = z
  .array(
    z.enum(optionalStreams as [string, ...string[]]) as unknown as z.ZodEnum<{
      [K in (typeof optionalStreams)[number]]: K;
    }>,
  )
  .describe(
    'Streams that are read only where they are chosen: they cost calls, and journals a plan, that not everybody has.',
  );

export const settingsSchema = z
  .object({ optionalStreams: chosenStreams })
  .meta({ id: 'Settings', description: 'What a connection does beyond the ordinary.' });

export const settingsPatch = z.strictObject({ optionalStreams: chosenStreams.optional() });
